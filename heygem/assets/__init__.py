"""Presenters and speech that come with HeyGem. Imports nothing of ours."""
