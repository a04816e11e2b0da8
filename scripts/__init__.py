"""Programs for developers of this repository; the product does not need them."""
