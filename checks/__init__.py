"""What may refuse a template before AWS does: nag packs, rules of the house, scenarios. Development only."""
