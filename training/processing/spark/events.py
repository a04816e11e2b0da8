"""Features from event files, over all nodes of a Spark cluster: a join, windows, and one Parquet folder per year.

Reads CSV files of events (`yard data sample linear-sharded` makes some) from the input `events`, writes the output
`features`. `yard run events-prepare` submits it; it needs pyspark and nothing of ours.
"""

import argparse

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

EVENTS = "/opt/ml/processing/input/events"
FEATURES = "/opt/ml/processing/output/features"
MESSAGE = "/opt/ml/output/message"
_RADIUS_KM = 6371.0


def main() -> None:
    """Read, join, window, write; and say how much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=int, default=50, help="how many earlier events of a code a window holds")
    parser.add_argument("--events", default=EVENTS)
    parser.add_argument("--features", default=FEATURES)
    options = parser.parse_args()
    if options.before < 1:
        parser.error(f"--before is {options.before} and must be 1 or more")
    spark = SparkSession.builder.appName("events-prepare").getOrCreate()
    # Counted before it is written: each node writes what it has made to its own disk, and no node could read all of it
    features = prepare(read(spark, options.events), options.before).cache()
    counted = features.agg(F.count("*").alias("rows"), F.countDistinct("year").alias("years")).first()
    features.write.partitionBy("year").mode("overwrite").parquet(options.features)
    with open(MESSAGE, "w", encoding="utf-8") as file:
        file.write(f"{counted['rows']} events of {counted['years']} years")
    print(f"rows={counted['rows']} years={counted['years']} columns={len(features.columns)}")


def read(spark: SparkSession, folder: str) -> DataFrame:
    """Every event with its year, its code and its place in its file."""
    rows = spark.read.option("header", True).option("inferSchema", True).csv(folder)
    codes = sorted(name for name in rows.columns if name.startswith("EventCode_"))
    if not codes or "AvgTone" not in rows.columns:
        raise SystemExit(f"the files under {folder} have no columns AvgTone and EventCode_NN")
    numbered = [F.when(F.col(name) == 1, F.lit(int(name.rpartition("_")[2]))) for name in codes]
    year = F.regexp_extract(F.input_file_name(), r"(\d{4})[^/]*$", 1).cast("int")
    return (
        rows.withColumn("year", F.coalesce(year, F.lit(0)))
        .withColumn("place", F.monotonically_increasing_id())
        .withColumn("code", F.coalesce(*numbered, F.lit(-1)))
        .drop(*codes)
    )


def prepare(events: DataFrame, before: int) -> DataFrame:
    """The features of each event: what went before it, what its code is like, and how far apart its places are."""
    earlier = Window.partitionBy("year", "code").orderBy("place").rowsBetween(-before, -1)
    by_code = events.groupBy("code").agg(
        F.avg("AvgTone").alias("code_tone"),
        F.stddev("AvgTone").alias("code_tone_spread"),
        F.count("*").alias("code_events"),
    )
    return (
        events.withColumn("tone_before", F.avg("AvgTone").over(earlier))
        .withColumn("articles_before", F.sum("NumArticles").over(earlier))
        .withColumn("events_before", F.count("*").over(earlier))
        .join(F.broadcast(by_code), "code")
        .withColumn("distance_km", _distance())
        .fillna({"tone_before": 0.0, "articles_before": 0, "code_tone_spread": 0.0})
        .drop("place")
    )


def _distance() -> Column:
    """Between where the actor and where the action is, on a sphere."""
    first, second = F.radians("Actor1Geo_Lat"), F.radians("ActionGeo_Lat")
    across = F.radians(F.col("ActionGeo_Long") - F.col("Actor1Geo_Long"))
    half = F.pow(F.sin((second - first) / 2), 2) + F.cos(first) * F.cos(second) * F.pow(F.sin(across / 2), 2)
    return 2 * _RADIUS_KM * F.asin(F.sqrt(F.least(half, F.lit(1.0))))


if __name__ == "__main__":
    main()
