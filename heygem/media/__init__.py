"""Files in and out: probing, decoding, YUV planes, encoding. The only place that knows PyAV."""
