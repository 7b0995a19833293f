"""What several commands write: tables, pictures, and a judge's verdict."""
