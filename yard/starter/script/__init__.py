"""`yard init job`: what a script that was written for elsewhere says about itself, and the job file for it."""
