"""What the engine matrix runs: how each public function is called, and the tables that it is given."""
