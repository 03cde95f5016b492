"""What training and prediction take, and whether training gives the same model again."""
