"""cdk-nag's packs on the app, and what of their findings is accepted, with the reason."""
