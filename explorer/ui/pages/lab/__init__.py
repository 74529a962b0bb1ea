"""The lab: switches on the left, the score of what they show on the right, and what it means below."""
