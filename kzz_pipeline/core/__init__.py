"""The pure core: bytes to text, text to cells, cells to rows, rows to findings.

Nothing here imports dagster or pandera and nothing here touches the file system or the network.
"""
