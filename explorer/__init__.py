"""The BERT Lottery Explorer: prune a fine-tuned BERT and see what it still scores."""
