"""An HTTP server that paints: pictures at once, videos and trainings as jobs in processes of their own."""
