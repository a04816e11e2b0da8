"""A program for Spark."""

from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("count").getOrCreate()
rows = spark.read.text("/opt/ml/processing/input/data").count()
Path("/opt/ml/processing/output/result/rows").write_text(f"{rows} {spark.conf.get('spark.app.note')}")
