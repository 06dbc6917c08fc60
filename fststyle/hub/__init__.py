"""Publishing networks on Hugging Face's hub: the page that shows one, and the upload."""
