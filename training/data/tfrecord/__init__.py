"""TFRecord: where the records of a file begin and end, their checksums, and what an Example holds. No TensorFlow."""
