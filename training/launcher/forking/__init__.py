"""The process that imports a framework once, and forks the processes that run the program."""
