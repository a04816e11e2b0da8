"""Programs for whoever works on this repository; nothing of the product needs them."""
