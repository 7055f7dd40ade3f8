"""What the user types: one thin file each; `options` holds what they share."""
