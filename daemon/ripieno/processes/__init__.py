"""The processes of a performance: player, thinker, patchbay, and their supervisor."""
