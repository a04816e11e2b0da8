"""Where people work: notebook instances and their scripts."""
