"""The duet models: hearing a melody on the beat, deciding a chord, filling it out."""
