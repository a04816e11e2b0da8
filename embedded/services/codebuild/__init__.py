"""CodeBuild: projects, and builds whose buildspec really runs."""
