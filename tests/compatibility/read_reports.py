"""Prints the columns and rows of an ORC, Parquet or CSV file as JSON: read_reports.py READER FILE

READER is pyarrow or duckdb. Timestamps are milliseconds since the epoch.
"""

import datetime
import json
import sys


def plain(value):
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return round(value.timestamp() * 1000)
    return value


def read_with_pyarrow(path):
    if path.endswith(".orc"):
        from pyarrow import orc

        return orc.ORCFile(path).read()
    from pyarrow import parquet

    return parquet.read_table(path)


def rows_with_duckdb(path):
    import duckdb

    if path.endswith(".orc"):
        table = read_with_pyarrow(path)  # DuckDB has no reader of its own: it takes Arrow's
        relation = duckdb.from_arrow(table)
    elif path.endswith(".parquet"):
        relation = duckdb.read_parquet(path)
    else:
        relation = duckdb.read_csv(path, header=False, all_varchar=True)
    return relation.columns, [str(kind) for kind in relation.types], relation.fetchall()


def main():
    reader, path = sys.argv[1:]
    if reader == "pyarrow":
        table = read_with_pyarrow(path)
        names, types = table.column_names, [str(field.type) for field in table.schema]
        rows = [tuple(row.values()) for row in table.to_pylist()]
    else:
        names, types, rows = rows_with_duckdb(path)
    json.dump(
        {
            "names": names,
            "types": types,
            "rows": [[plain(value) for value in row] for row in rows],
        },
        sys.stdout,
    )


main()
