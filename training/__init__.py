"""How the weights of `models/` were made: converters and trainers, none of them needed to run HeyGem."""
