"""How a job of any kind gets its instances, and how its runner hears and tells of its end."""
