"""Made-up data to look at and to measure with. Stands on the roof: it fills every room."""
