"""Pictures and frames through networks: `Stylizer` and what a user may ask of it."""
