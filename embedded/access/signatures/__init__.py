"""Who signed a request, and whether the signature holds: Signature Version 4, and Version 2 in links of S3."""
