"""What the machine has: GPU telemetry through NVML, memory, CPU fallback."""
