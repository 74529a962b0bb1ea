"""What the heads attend to: an atlas of maps, one map large, and whether survivors differ."""
