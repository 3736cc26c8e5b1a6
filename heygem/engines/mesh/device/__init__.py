"""Drawing on the GPU: pictures stay there from the upload of a frame to the download of the finished one."""
