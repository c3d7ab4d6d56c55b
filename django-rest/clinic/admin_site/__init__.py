"""The frame of the admin: its sidebar, the page of the day it begins with, the logs of messages, and wordings."""
