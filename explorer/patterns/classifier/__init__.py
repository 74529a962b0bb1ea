"""The classifier of attention maps: features, rules, network, synthetic maps, labelled maps and how right it is."""
