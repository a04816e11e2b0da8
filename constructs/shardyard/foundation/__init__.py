"""What every job stands on: storage, key, network, identity, repositories, quotas."""
