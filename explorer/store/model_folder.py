"""What a model folder holds: the one check of `explorer.bert.model_folder`, for those above the store."""

from explorer.bert.model_folder import HUB_ID, ModelFolder, model_folder

__all__ = ["HUB_ID", "ModelFolder", "model_folder"]
