"""Scoring a mask on the whole dev set: shard by shard, with an interval, ending exact."""
