"""ECR as a registry: what `docker push` and `docker pull` say to it, on the cloud's own port."""
