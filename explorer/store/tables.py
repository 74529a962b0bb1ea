"""Tables of a bundle, read within a bound: what a Parquet file says of itself is looked at before it is unpacked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from explorer.foreign import Unreadable

MOST_ROWS, MOST_COLUMNS = 1_000_000, 512
LARGEST = 96 * 2**20
"""Bytes that a table may have in memory."""
_AT_ONCE = 16 * 2**20
"""Bytes that one step of reading may unpack."""


def table_of(path: Path) -> pd.DataFrame:
    """Reads a Parquet file. Raises Unreadable where it is damaged, has two columns of one name, or is larger in memory
    than its size allows for: a few bytes may stand for a million copies of a text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            told = file.metadata
            if told.num_rows > MOST_ROWS or told.num_columns > MOST_COLUMNS:
                raise Unreadable(f"{told.num_rows:,} rows x {told.num_columns:,} columns")
            names = file.schema_arrow.names
            if len(set(names)) < len(names):
                raise Unreadable("two columns have one name")
            groups = [told.row_group(at) for at in range(told.num_row_groups)]
            widest = max(
                (one.column(at).total_uncompressed_size for one in groups for at in range(len(names))), default=1
            )
            if widest * told.num_columns > LARGEST:
                raise Unreadable(f"a column of {widest:,} bytes")
            parts, size = [], 0
            # A text may be as long as its whole column is stored, and stand in every row.
            for part in file.iter_batches(batch_size=max(1, min(2**16, _AT_ONCE // max(1, widest)))):
                size += part.nbytes
                if size > LARGEST:
                    raise Unreadable(f"more than {LARGEST:,} bytes unpacked")
                parts.append(part)
            table: pd.DataFrame = pa.Table.from_batches(parts, file.schema_arrow).to_pandas()
    except Unreadable:
        raise
    except Exception as error:  # Arrow raises what its parsers happen to meet
        raise Unreadable(type(error).__name__) from None
    return table
