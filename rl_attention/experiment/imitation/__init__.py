"""Learning from BabyAI's own bot: behaviour cloning and DAgger."""
