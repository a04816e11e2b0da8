"""What a deploy would change, in the words of the job files and the settings."""
