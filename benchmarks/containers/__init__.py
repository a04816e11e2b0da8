"""Our image for processors, and jobs whose nodes are real containers of it."""
