"""Outside services on this machine: mail, SMS, push messages."""
