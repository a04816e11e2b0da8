NAME = "helped"
