"""Deep networks trained on weights in tiles: forward, backward and update over active coordinates alone."""
