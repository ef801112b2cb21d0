"""usdk."""
