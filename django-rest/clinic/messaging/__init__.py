"""Messages about appointments: recipients, reminders, replies by SMS, the clinic's log."""
