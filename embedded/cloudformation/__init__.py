"""CloudFormation, our own: templates, change sets, events, rollback and replacement, in place of moto's."""
