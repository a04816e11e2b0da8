"""Any container in a cell: isolation, images, channels' carriage and logs."""
