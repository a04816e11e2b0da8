"""The strategy `tensorflow`: a process per task of a cluster, each with its TF_CONFIG."""
