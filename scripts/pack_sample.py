"""Pack the CSV files of the SYNTHETIC sample into the Parquet file that the package ships.

usage: make_data.py OUT_DIR --only mag7 && pack_sample.py OUT_DIR/mag7/daily rustybt/data/bundles/mag7.parquet
"""

import argparse
import pathlib

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ("open", "high", "low", "close", "volume", "dividend", "split")


def read(path: pathlib.Path) -> pd.DataFrame:
    frame = pd.read_csv(path, parse_dates=["date"])
    frame.insert(0, "symbol", path.stem)
    return frame


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("csvs", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args = args.parse_args()
    table = pd.concat([read(path) for path in sorted(args.csvs.glob("*.csv"))], ignore_index=True)
    table["date"] = table["date"].astype("datetime64[ns]")
    table = pa.Table.from_pandas(table[["symbol", "date", *COLUMNS]], preserve_index=False)
    pq.write_table(table.replace_schema_metadata(), args.out, compression="zstd", compression_level=19)
    print(f"{table.num_rows} rows, {args.out.stat().st_size} bytes")
