"""The test models, a module for each subject."""
