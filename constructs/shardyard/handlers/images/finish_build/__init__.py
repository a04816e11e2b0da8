"""Answers CloudFormation when a build has ended."""
